/* A fixture of tests/check-source. */
#include <jansson.h>
#include <stdio.h>

#include "relay/edge/control.h"

typedef enum proof_verdict status_kind(int of);

void tools_status_print(void)
{
    printf("status\n");
}
