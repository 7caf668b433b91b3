#include <stdio.h> /* BAD */
