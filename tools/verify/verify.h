/*
 * isthmus verify KIND --trusted FILE [--report FILE] EVIDENCE...: any verifier of proofs/, offline, on files.
 */
#ifndef ISTHMUS_TOOLS_VERIFY_VERIFY_H
#define ISTHMUS_TOOLS_VERIFY_VERIFY_H

/* argv[0] is the command's name, argv[1] the kind. Prints one line for each evidence file: verdict, reason, what was proven.
 * Returns 0 when all are valid, 1 when one is not, 2 when the call or a file is not usable (the message says why). */
int tools_verify_main(int argc, char **argv);

#endif
