"""In how many ways clips are written into Parquet files."""

from __future__ import annotations

import fsspec
import pyarrow as pa

N_CLIPS = 60
EMOTIONS = ("happy", "sad", "angry")
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
WRITTEN = {
    "as pyarrow does": {},
    "in small pages": {"write_batch_size": 8, "data_page_size": 100_000, "use_dictionary": False},
    "in a small dictionary": {"write_batch_size": 4, "data_page_size": 50_000, "dictionary_pagesize_limit": 90_000},
    "in row groups": {"row_group_size": 7},
    "as they are": {
        "compression": "none", "use_dictionary": False, "write_batch_size": 8, "data_page_size": 100_000,
    },
    "as they are in the second version": {
        "compression": "none", "use_dictionary": False, "data_page_version": "2.0",
    },
    "as they are in a dictionary": {"compression": "none"},
    "as Zstandard in the second version": {"compression": "zstd", "data_page_version": "2.0"},
    "as gzip": {"compression": "gzip"},
    "as Brotli": {"compression": "brotli", "use_dictionary": False},
    "as LZ4": {"compression": "lz4"},
    "in lengths and their differences": {
        "use_dictionary": False, "column_encoding": "DELTA_LENGTH_BYTE_ARRAY", "version": "2.6",
    },
    "with checksums": {"write_page_checksum": True},
}  # fmt: skip


def put(folder):
    fsspec.filesystem("memory").put(str(folder) + "/", "/parts/", recursive=True)
    return "memory://parts"
