/*
 * What can be known of a store's folder without opening the store. For rocksdb.c.
 */
#ifndef RELAY_STORE_FOLDER_H
#define RELAY_STORE_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Data without the file that says which of them count: a copy that was broken off. RocksDB would begin a new store there, if not at
 * this start then at the next, and remove the data. A first start that was cut off has no data yet.
 */
bool store_folder_is_half(const char *path);

/*
 * Whether the disk has room for what opening writes. RocksDB's own log lies beside the data, and Debian's build aborts when a
 * line of it does not fit: so it is not opened on a full disk, and logs nothing while it runs (its errors come with commits).
 * What is wrong otherwise, or cannot be asked, the opening says.
 */
bool store_folder_has_room(const char *path);

/* Whether its file system takes writes past the page cache. make: it is made where it is missing, for its user only: what messages
 * carry is not everybody's to read. Leaves nothing else behind. */
bool store_folder_is_direct(const char *path, bool make);

/* The other process that holds RocksDB's lock; 0: not known. */
pid_t store_folder_holder(const char *path);

#endif
