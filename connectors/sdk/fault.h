/*
 * A connector's fault points: places where a test ends it, as a crash would. Compiled in with ISTHMUS_FAULTS only. A point is
 * called connector-DOES-WHAT-WHEN; the relay's table (relay/edge/fault.h) has all names and refuses any other.
 */
#ifndef CONNECTORS_SDK_FAULT_H
#define CONNECTORS_SDK_FAULT_H

#ifdef ISTHMUS_FAULTS
/* A pass; does not come back from the one that ISTHMUS_FAULT=NAME:COUNT names. One thread. */
void sdk_fault(const char *does, const char *what, const char *when);
#define SDK_FAULT(does, what, when) sdk_fault(does, what, when)
#else
#define SDK_FAULT(does, what, when) ((void)0)
#endif
#endif
