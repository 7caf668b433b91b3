/*
 * A small thread pool for verification: pure functions over evidence, run away from the loop.
 *
 * Jobs start in the order given and may finish in any order. Threads: submit, drain and free are called by one thread
 * (the loop); run is called by the pool's threads, done by the loop, inside drain. The pool knows nothing about a job.
 */
#ifndef RELAY_EDGE_POOL_H
#define RELAY_EDGE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct edge_pool;
struct relay_verify_job; /* relay/core/verify.h */

struct edge_pool_options {
    unsigned threads; /* 0: 2 */
    size_t queue;     /* jobs submitted and not yet drained, 0: 1024 */
    int wake_fd;      /* an eventfd (owned by the loop): 1 is added when the first result waits. Then call drain. */
    void (*run)(struct relay_verify_job *job);                 /* any thread */
    void (*done)(void *context, struct relay_verify_job *job); /* in drain; owns the job from here */
    void (*drop)(struct relay_verify_job *job);                /* in free: a job that will not be done */
    void *context;
};

/* Starts the threads. NULL: no memory or no threads. */
struct edge_pool *edge_pool_new(const struct edge_pool_options *options);

/* Ends the threads after the jobs that they are running, then drops all others. NULL is allowed. */
void edge_pool_free(struct edge_pool *pool);

/* Takes the job; false: the queue is full and the job stays the caller's. */
bool edge_pool_submit(struct edge_pool *pool, struct relay_verify_job *job);

/* True when submit would refuse. */
bool edge_pool_full(struct edge_pool *pool);

/* Calls done for every finished job; returns how many. */
size_t edge_pool_drain(struct edge_pool *pool);

#endif
