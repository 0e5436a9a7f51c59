"""Benchmarks: a model on the data sets of a suite, beside published figures.

    from iepile.bench.bench import BenchConfig, bench
"""
