/* A fixture of tests/check-source. */

int pick(int x)
{
    switch (x) {
    case 1: return 1;
    /* BAD NEXT */
    default: return 0;
    }
}
