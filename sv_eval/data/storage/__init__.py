"""Files that lie elsewhere than on a disk: object stores, web servers, the hub."""
