/* Names that both stores share. */
#include "relay/store/store.h"

const char *store_status_name(enum store_status status)
{
    switch (status) {
    case STORE_OK: return "ok";
    case STORE_NOT_FOUND: return "not-found";
    case STORE_FULL: return "disk-full";
    case STORE_CORRUPT: return "corrupt";
    case STORE_NEWER: return "newer-schema";
    case STORE_IO: return "io-error";
    case STORE_MEMORY: return "out-of-memory";
    case STORE_LOCKED: return "locked";
    }
    return "unknown";
}

const char *store_family_name(enum store_family family)
{
    switch (family) {
    case STORE_META: return "meta";
    case STORE_LOG: return "log";
    case STORE_SEGMENT: return "segment";
    case STORE_SKELETON: return "skeleton";
    case STORE_HEAD: return "head";
    case STORE_CHAIN: return "chain";
    case STORE_AUDIT: return "audit";
    case STORE_FAMILIES: break;
    }
    return "unknown";
}
