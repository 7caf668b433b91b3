/* A fixture of tests/check-source. */
#include <curl/curl.h>
