/* A fixture of tests/check-source. */
#include <stdio.h>

int main(void)
{
    printf("usage\n");
    return signals_seen;
}
