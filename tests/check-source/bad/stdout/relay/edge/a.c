/* A fixture of tests/check-source. */

void speak(void)
{
    printf("x");            /* BAD */
    puts("x");              /* BAD */
    fprintf(stdout, "x");   /* BAD */
    fprintf(stderr, "x");
    snprintf(0, 0, "x");
}
