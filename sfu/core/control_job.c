#include "sfu/core/control_job.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sfu/core/control_in.h"

enum { JOBS_QUEUED = 64, JOBS_THREADS = 8 };

struct job {
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

struct sfu_control_jobs {
    struct sfu_control *c;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job queue[JOBS_QUEUED];
    size_t head, count;
    bool stopping;
    unsigned threads;
    pthread_t ids[JOBS_THREADS];
};

static void *helper(void *arg)
{
    struct sfu_control_jobs *jobs = arg;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (jobs->count == 0 && !jobs->stopping) {
            pthread_cond_wait(&jobs->wake, &jobs->lock);
        }
        if (jobs->stopping) {
            break;
        }
        struct job job = jobs->queue[jobs->head];
        jobs->head = (jobs->head + 1) % JOBS_QUEUED;
        jobs->count--;
        pthread_mutex_unlock(&jobs->lock);
        job.work(job.arg);
        if (job.done) {
            sfu_control_post_reserved(jobs->c, job.done, job.arg);
        }
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

int sfu_control_jobs_create(struct sfu_control *c, unsigned threads,
                            struct sfu_control_jobs **ret_jobs)
{
    struct sfu_control_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) {
        return -ENOMEM;
    }
    jobs->c = c;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    for (unsigned i = 0; i < threads && i < JOBS_THREADS; i++) {
        int err = pthread_create(&jobs->ids[i], NULL, helper, jobs);
        if (err != 0) {
            sfu_control_jobs_destroy(jobs);
            return -err;
        }
        pthread_setname_np(jobs->ids[i], "stoa-helper");
        jobs->threads++;
    }
    *ret_jobs = jobs;
    return 0;
}

void sfu_control_jobs_destroy(struct sfu_control_jobs *jobs)
{
    if (!jobs) {
        return;
    }
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
    for (unsigned i = 0; i < jobs->threads; i++) {
        pthread_join(jobs->ids[i], NULL);
    }
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

int sfu_control_jobs_run(struct sfu_control_jobs *jobs, void (*work)(void *arg),
                         void (*done)(void *arg), void *arg)
{
    /* the place of its result is set aside now: a helper never waits for control */
    int err = done ? sfu_control_reserve(jobs->c) : 0;
    if (err != 0) {
        return err;
    }
    err = -ENOBUFS;
    pthread_mutex_lock(&jobs->lock);
    if (jobs->count < JOBS_QUEUED && !jobs->stopping) {
        jobs->queue[(jobs->head + jobs->count) % JOBS_QUEUED] = (struct job){work, done, arg};
        jobs->count++;
        err = 0;
        pthread_cond_signal(&jobs->wake);
    }
    pthread_mutex_unlock(&jobs->lock);
    if (err != 0 && done) {
        sfu_control_unreserve(jobs->c);
    }
    return err;
}
