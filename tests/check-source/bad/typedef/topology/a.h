/* A fixture of tests/check-source. */
typedef struct { /* BAD */
    int x;
} x_t;
typedef enum y y_t; /* BAD */
typedef int (*callback)(int);
