-- The graph as it lies on disk. Tables hold what was read, one row a stated fact; merges and violations lie over it
-- and can be taken back. The views at the end are for questions: they show merged names, and leave out what was pruned.

-- `text` is the SHA-256 of the text, where it is known.
CREATE TABLE document (
  id INTEGER PRIMARY KEY,
  source TEXT,
  key TEXT NOT NULL,
  text TEXT
);
CREATE UNIQUE INDEX document_key ON document (key, ifnull(source, x''));

-- One reading of one file; `line` is the first line of the last rows that are in.
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  input TEXT NOT NULL,
  digest TEXT NOT NULL,
  line INTEGER NOT NULL DEFAULT 0,
  finished INTEGER NOT NULL DEFAULT 0
);

-- What one run found in a document for one task: the unit that is replaced.
CREATE TABLE part (
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES document,
  task TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run
);
CREATE INDEX part_document ON part (document, task);

-- `same_as` is the node that stands for it: itself, or the one it was merged into.
CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  event TEXT,
  type TEXT,
  name TEXT NOT NULL,
  same_as INTEGER NOT NULL REFERENCES node
);
CREATE UNIQUE INDEX node_entity ON node (name, ifnull(type, x'')) WHERE event IS NULL;
CREATE UNIQUE INDEX node_event ON node (event) WHERE event IS NOT NULL;
CREATE INDEX node_same ON node (same_as);

CREATE TABLE word (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
);

CREATE TABLE quotation (
  id INTEGER PRIMARY KEY,
  part INTEGER NOT NULL REFERENCES part,
  start INTEGER,
  text TEXT NOT NULL
);

-- The tail of a `type` edge is a word, of others a node. `typed`: bit 1 the head's type was stated with the edge,
-- bit 2 the tail's; other types are those that the document gives the name elsewhere.
CREATE TABLE edge (
  id INTEGER PRIMARY KEY,
  part INTEGER NOT NULL REFERENCES part,
  kind TEXT NOT NULL,
  head INTEGER NOT NULL REFERENCES node,
  relation INTEGER NOT NULL REFERENCES word,
  tail INTEGER REFERENCES node,
  tail_word INTEGER REFERENCES word,
  typed INTEGER NOT NULL,
  head_start INTEGER, head_end INTEGER,
  tail_start INTEGER, tail_end INTEGER,
  ungrounded INTEGER NOT NULL,
  confidence REAL,
  question INTEGER REFERENCES word,
  model INTEGER REFERENCES word,
  quotation INTEGER REFERENCES quotation,
  place TEXT
);
CREATE INDEX edge_part ON edge (part);

CREATE TABLE merge (
  gone INTEGER PRIMARY KEY REFERENCES node,
  kept INTEGER NOT NULL REFERENCES node,
  score REAL NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL
);

-- Pairs that somebody said are two things.
CREATE TABLE apart (
  one INTEGER NOT NULL REFERENCES node,
  other INTEGER NOT NULL REFERENCES node,
  PRIMARY KEY (one, other)
) WITHOUT ROWID;

CREATE TABLE violation (
  id INTEGER PRIMARY KEY,
  edge INTEGER NOT NULL REFERENCES edge,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  action TEXT NOT NULL,
  missing_head TEXT, missing_relation TEXT, missing_tail TEXT
);
CREATE INDEX violation_edge ON violation (edge);

CREATE VIEW fact AS
SELECT e.id, e.kind,
  h.name AS head, h.type AS head_type, r.text AS relation,
  CASE WHEN e.tail IS NULL THEN w.text ELSE t.name END AS tail, t.type AS tail_type,
  e.head_start, e.head_end, e.tail_start, e.tail_end,
  CASE WHEN h.name != hm.name THEN hm.name END AS head_mention,
  CASE WHEN t.name != tm.name THEN tm.name END AS tail_mention,
  hm.event AS event, e.ungrounded, e.confidence, d.key AS document, d.source,
  q.text AS instruction, m.text AS model, s.text AS snippet, s.start AS snippet_start,
  e.place, h.id AS head_node, t.id AS tail_node
FROM edge e
JOIN part p ON p.id = e.part
JOIN document d ON d.id = p.document
JOIN node hm ON hm.id = e.head
JOIN node h ON h.id = hm.same_as
JOIN word r ON r.id = e.relation
LEFT JOIN node tm ON tm.id = e.tail
LEFT JOIN node t ON t.id = tm.same_as
LEFT JOIN word w ON w.id = e.tail_word
LEFT JOIN word q ON q.id = e.question
LEFT JOIN word m ON m.id = e.model
LEFT JOIN quotation s ON s.id = e.quotation
WHERE NOT EXISTS (SELECT 1 FROM violation v WHERE v.edge = e.id AND v.action = 'prune');

CREATE VIEW thing AS
SELECT id, name, type, event FROM node WHERE same_as = id;
