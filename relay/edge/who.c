/* Who can end a wait. */
#include "relay/edge/who.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "relay/edge/relay_parts.h"

__attribute__((format(printf, 2, 3))) static void say(char out[EDGE_WHO_MAX], const char *format, ...)
{
    size_t at = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + at, EDGE_WHO_MAX - at, format, arguments);
    va_end(arguments);
}

static void relays_say(char out[EDGE_WHO_MAX], const struct topology_network *network, uint16_t operator_number)
{
    size_t named = 0;
    for (size_t i = 0; topology_operator_by_number(network, operator_number) != NULL && i < network->relays_len; i++) {
        if (network->relays[i].operator_number == operator_number)
            say(out, "%s%s", named++ == 0 ? " (its relays: " : ", ", network->relays[i].name);
    }
    if (named > 0)
        say(out, ")");
}

/* What a source gave and the relay refused explains a wait for evidence, and its operator may look at the bytes. */
static void refused_say(char out[EDGE_WHO_MAX], const struct edge_relay *relay, uint16_t chain)
{
    size_t named = 0;
    struct relay_source_view view;
    for (size_t i = 0; i < relay->config->sources_len; i++) {
        const struct relay_source *source = &relay->source_list[i];
        if (source->chain != chain || !relay_core_source_view(relay->core, (uint16_t)i, &view) || view.refused == 0)
            continue;
        say(out, "%s%s: %llu, the last for %s", named++ == 0 ? " (evidence refused of " : "; ", source->name,
            (unsigned long long)view.refused, view.refused_why);
    }
    if (named > 0)
        say(out, "; kept in %s)", relay->inner->refused_folder);
}

void edge_who(char out[EDGE_WHO_MAX], const struct edge_relay *relay, uint16_t lane, uint16_t home,
              enum relay_cause cause, uint16_t operator_number, uint16_t source)
{
    struct relay_source_view view;
    out[0] = '\0';
    say(out, "%s", relay_cause_actor(cause));
    if (source < relay->config->sources_len)
        say(out, " (%s, run by %s)", relay->source_list[source].name, relay->source_list[source].operator_tag);
    if (operator_number != 0)
        relays_say(out, relay->network, operator_number);
    if (cause == RELAY_CAUSE_EVIDENCE || cause == RELAY_CAUSE_SOURCE_DOWN || cause == RELAY_CAUSE_SOURCES_DISAGREE ||
        cause == RELAY_CAUSE_FROZEN)
        refused_say(out, relay, home);
    for (size_t i = 0; cause == RELAY_CAUSE_SUBMITTING && i < relay->config->sources_len; i++) {
        const struct relay_source *one = &relay->source_list[i];
        if (one->submits && one->chain == relay->network->lanes[lane].destination &&
            relay_core_source_view(relay->core, (uint16_t)i, &view))
            say(out, " (here: %s, balance %s)", one->name, view.balance[0] != '\0' ? view.balance : "unknown");
    }
}
