/*
 * Double votes of validators, which blocks carry as evidence: read, and handed to the relay with the header of their height, which
 * verifies them (connector message 15). From twenty blocks before the one that is the newest at the start, each block once.
 *
 * What it costs: nothing while every new block's header is told anyway, as it names the hash of the evidence; else one request for
 * twenty headers; and one for each block that does carry evidence.
 */
#ifndef CONNECTORS_COMETBFT_OFFENCES_H
#define CONNECTORS_COMETBFT_OFFENCES_H

struct cometbft;
struct cometbft_light;
struct cometbft_offences;

/* NULL: no memory. */
struct cometbft_offences *cometbft_offences_new(struct cometbft *cometbft);
void cometbft_offences_free(struct cometbft_offences *offences);

/* A header that was fetched anyway: the next one, without evidence, need not be looked at again. */
void cometbft_offences_header(struct cometbft_offences *offences, const struct cometbft_light *light);

/* Looks at what is new. Cheap when nothing is. */
void cometbft_offences_look(struct cometbft_offences *offences);

#endif
