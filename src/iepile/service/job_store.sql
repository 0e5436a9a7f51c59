-- The jobs of a service. What they asked and their counts are JSON. Files and results lie in folders beside it.
CREATE TABLE IF NOT EXISTS job (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  asked TEXT NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  characters INTEGER NOT NULL DEFAULT 0,
  created REAL NOT NULL,
  started REAL,
  finished REAL,
  error TEXT NOT NULL DEFAULT '',
  counts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS job_state ON job (state, number);

CREATE TABLE IF NOT EXISTS file (
  job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  documents INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '',
  read INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;
