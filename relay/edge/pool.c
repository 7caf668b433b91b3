/* A ring of jobs, threads that run them, and a ring of results that the loop takes. */
#include "relay/edge/pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

struct edge_pool {
    struct edge_pool_options options;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t work;
    struct relay_verify_job **waiting, **finished; /* rings of options.queue places */
    size_t waiting_first, waiting_len;
    size_t finished_first, finished_len;
    size_t inside; /* waiting, running and finished */
    bool stop;
    pthread_t threads[THREADS_MAX];
    unsigned threads_len;
};

static void wake(int fd)
{
    const uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written; /* full: it is awake */
}

static void *pool_main(void *argument)
{
    struct edge_pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->stop && pool->waiting_len == 0)
            pthread_cond_wait(&pool->work, &pool->mutex);
        if (pool->stop)
            break;
        struct relay_verify_job *job = pool->waiting[pool->waiting_first];
        pool->waiting_first = (pool->waiting_first + 1) % pool->options.queue;
        pool->waiting_len--;
        pthread_mutex_unlock(&pool->mutex);

        pool->options.run(job);

        pthread_mutex_lock(&pool->mutex);
        pool->finished[(pool->finished_first + pool->finished_len) % pool->options.queue] = job;
        if (pool->finished_len++ == 0)
            wake(pool->options.wake_fd);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

struct edge_pool *edge_pool_new(const struct edge_pool_options *options)
{
    struct edge_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->options = *options;
    if (pool->options.threads == 0)
        pool->options.threads = 2;
    if (pool->options.threads > THREADS_MAX)
        pool->options.threads = THREADS_MAX;
    if (pool->options.queue == 0)
        pool->options.queue = 1024;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->waiting = calloc(pool->options.queue, sizeof(struct relay_verify_job *));
    pool->finished = calloc(pool->options.queue, sizeof(struct relay_verify_job *));
    if (pool->waiting && pool->finished)
        while (pool->threads_len < pool->options.threads &&
               pthread_create(&pool->threads[pool->threads_len], NULL, pool_main, pool) == 0)
            pool->threads_len++;
    if (pool->threads_len == 0) {
        edge_pool_free(pool);
        return NULL;
    }
    return pool;
}

void edge_pool_free(struct edge_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->threads_len; i++)
        pthread_join(pool->threads[i], NULL);
    for (size_t i = 0; i < pool->waiting_len; i++)
        pool->options.drop(pool->waiting[(pool->waiting_first + i) % pool->options.queue]);
    for (size_t i = 0; i < pool->finished_len; i++)
        pool->options.drop(pool->finished[(pool->finished_first + i) % pool->options.queue]);
    free(pool->waiting);
    free(pool->finished);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

bool edge_pool_submit(struct edge_pool *pool, struct relay_verify_job *job)
{
    pthread_mutex_lock(&pool->mutex);
    bool taken = pool->inside < pool->options.queue;
    if (taken) {
        pool->waiting[(pool->waiting_first + pool->waiting_len++) % pool->options.queue] = job;
        pool->inside++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

bool edge_pool_full(struct edge_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool full = pool->inside >= pool->options.queue;
    pthread_mutex_unlock(&pool->mutex);
    return full;
}

size_t edge_pool_drain(struct edge_pool *pool)
{
    size_t done = 0;
    pthread_mutex_lock(&pool->mutex);
    while (pool->finished_len > 0) {
        struct relay_verify_job *job = pool->finished[pool->finished_first];
        pool->finished_first = (pool->finished_first + 1) % pool->options.queue;
        pool->finished_len--;
        pool->inside--;
        pthread_mutex_unlock(&pool->mutex);
        pool->options.done(pool->options.context, job);
        done++;
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return done;
}
