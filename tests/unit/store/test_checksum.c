/* The checksum that RocksDB is given in place of its own: the same values, and the library does call it. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "relay/store/checksum.h"
#include "relay/store/store.h"

#ifdef STORE_CHECKSUM_NAME
static void test_checksum__is_what_the_library_computes(void **state)
{
    static char data[4096];
    uint32_t (*library)(uint32_t crc, const char *bytes, size_t len);
    (void)state;
    assert_true(store_checksum_right());
    *(void **)&library = dlsym(RTLD_NEXT, STORE_CHECKSUM_NAME);
    if (library == NULL) {
        print_message("this librocksdb has no symbol for its checksum: it is not replaced\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 2654435761u >> 11);
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; len < 300; len++)
            assert_int_equal(store_checksum_extend((uint32_t)len, data + from, len),
                             library((uint32_t)len, data + from, len));
        assert_int_equal(store_checksum_extend(7, data + from, 4000), library(7, data + from, 4000));
    }
}

static void test_checksum__takes_the_place_of_the_library_s(void **state)
{
    struct store_options options = {.path = "/nonexistent/store"};
    struct store *store;
    char text[256];
    (void)state;
    assert_int_not_equal(store_rocksdb_open(&store, &options, text, sizeof(text)), STORE_OK); /* links the library */
    assert_ptr_equal(dlsym(RTLD_DEFAULT, STORE_CHECKSUM_NAME), (void *)store_checksum_extend);
}
#endif

int main(void)
{
#ifdef STORE_CHECKSUM_NAME
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum__is_what_the_library_computes),
        cmocka_unit_test(test_checksum__takes_the_place_of_the_library_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    puts("not replaced on this processor family");
    return 77;
#endif
}
