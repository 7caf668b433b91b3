/*
 * Notices, not too many of them (notice.h).
 */
#include "connectors/sdk/notice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { PAUSE_MS = 10000, PRUNED_MS = 600000 };

/* True when this kind may be said again, which is noted. */
static bool may_say(const struct sdk_notices *notices, uint64_t *until, uint64_t pause)
{
    const uint64_t now = sdk_loop_now(connector_loop(notices->connector));
    if (now < *until)
        return false;
    *until = now + pause;
    return true;
}

void sdk_notice_nonsense(struct sdk_notices *notices, const char *text)
{
    if (may_say(notices, &notices->nonsense_until, PAUSE_MS))
        connector_notice(notices->connector, CONNECTOR_NOTICE_NONSENSE, "%s", text);
}

void sdk_notice_reorganised(struct sdk_notices *notices, uint64_t blocks)
{
    if (may_say(notices, &notices->reorganised_until, PAUSE_MS))
        connector_notice(notices->connector, CONNECTOR_NOTICE_REORGANISED,
                         "the newest %" PRIu64 " blocks were replaced", blocks);
}

void sdk_notice_pruned(struct sdk_notices *notices, const char *format, ...)
{
    char text[CODEC_CONNECTOR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (may_say(notices, &notices->pruned_until, PRUNED_MS))
        connector_notice(notices->connector, CONNECTOR_NOTICE_PRUNED, "%s", text);
}

static void tell_trouble(void *context)
{
    struct sdk_notices *notices = context;
    struct sdk_loop *loop = connector_loop(notices->connector);
    if (!notices->down_text[0] || notices->down_told)
        return;
    if (!may_say(notices, &notices->trouble_until, PAUSE_MS)) {
        sdk_timer_set(loop, &notices->trouble, notices->trouble_until - sdk_loop_now(loop));
        return;
    }
    notices->down_told = true;
    connector_notice(notices->connector, CONNECTOR_NOTICE_UNREACHABLE, "%s", notices->down_text);
}

void sdk_notice_health(void *context, bool up, const char *text)
{
    struct sdk_notices *notices = context;
    snprintf(notices->down_text, sizeof notices->down_text, "%s", up ? "" : text);
    if (!up) {
        tell_trouble(notices);
    } else if (notices->down_told) {
        notices->down_told = false;
        connector_notice(notices->connector, CONNECTOR_NOTICE_BACK, "the endpoint answers again");
    }
}

void sdk_notices_init(struct sdk_notices *notices, struct connector *connector)
{
    *notices = (struct sdk_notices){.connector = connector, .trouble = {.fire = tell_trouble, .context = notices}};
}
