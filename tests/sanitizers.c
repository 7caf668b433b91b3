/*
 * Which reports of the sanitizers are about libraries of Debian, and not about us. Linked into whatever uses them, in builds with
 * sanitizers only; a file would have to be readable in every sandbox. A line drops every report that has a frame of the library in
 * one of its stacks.
 */
const char *__lsan_default_suppressions(void);
const char *__tsan_default_suppressions(void);

/* nng 1.5.2 leaks the frame that is under way when a connection ends, and a whole socket where its close had to be given up
 * (docs/architecture.md, known limits): both are seen when a relay ends. What our callbacks on its threads allocate is covered by this line as well. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libnng.so\n";
}

/* ThreadSanitizer did not compile these libraries: it sees their locks, but not their atomic instructions. Not called_from_lib: that
 * makes the library's locks invisible, too, and a race of everything that passes through it. */
const char *__tsan_default_suppressions(void)
{
    return
        /* nng counts the owners of a message that several subscribers are to get by atomic instructions: so the last one seems
         * to free (nni_msg_free) what another is still sending (sendmsg). Our callbacks on nng's threads would be covered by
         * this line as well; CALLED_BY_NNG (relay/edge/mesh.c) keeps nng's frames out of their stacks. */
        "race:libnng.so\n"
        /* RocksDB 7.8 counts the owners of memtables, iterators and cache entries in the same way, and makes tables at their
         * first use behind a guard of C++ that is such an instruction, too. It never calls us, so no access of our own is
         * covered but those that it makes for us, inside one call. */
        "race:librocksdb.so\n";
}
