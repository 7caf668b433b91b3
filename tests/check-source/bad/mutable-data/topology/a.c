/* A fixture of tests/check-source. */

static int counter;               /* BAD */
int visible = 1;                  /* BAD */
static const char *name = "x";    /* BAD */
static struct thing things[4];    /* BAD */
static unsigned char buffer[16];  /* BAD */
extern const int elsewhere;
static const char *const fixed = "x";
static int declared(int x);

int next(void)
{
    static int calls;             /* BAD */
    int local = 0;
    return ++calls + counter + local;
}
