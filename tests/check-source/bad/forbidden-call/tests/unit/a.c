/* A fixture of tests/check-source. */

void all(char *to, const char *from)
{
    strcpy(to, from);       /* BAD */
    strcat(to, from);       /* BAD */
    sprintf(to, "%s", from); /* BAD */
    gets(to);               /* BAD */
    strtok(to, " ");        /* BAD */
    to[0] = (char)atoi(from); /* BAD */
    system(from);           /* BAD */
    popen(from, "r");       /* BAD */
    alloca(12);             /* BAD */
    rand();                 /* BAD */
    sleep(1);               /* BAD */
    usleep(1);              /* BAD */
    nanosleep(0, 0);        /* BAD */
    time(0);
    printf("tests may print\n");
}
