#ifndef A /* BAD */
#define A
#endif
