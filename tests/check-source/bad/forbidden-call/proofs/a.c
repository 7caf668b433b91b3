/* A fixture of tests/check-source. */

int pure(void)
{
    clock_gettime(0, 0);      /* BAD */
    getrandom(0, 0, 0);       /* BAD */
    randombytes_buf(0, 0);    /* BAD */
    fprintf(0, "x");          /* BAD */
    getenv("x");              /* BAD */
    pthread_create(0, 0, 0, 0); /* BAD */
    return (int)time(0);      /* BAD */
}
