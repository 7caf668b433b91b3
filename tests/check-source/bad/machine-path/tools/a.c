/* A fixture of tests/check-source. */
const char *const path = "/Users/anna/x"; /* BAD */
