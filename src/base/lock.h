/* A lock for the rare moments when threads outside of a run share something. */
#ifndef SWELL_BASE_LOCK_H
#define SWELL_BASE_LOCK_H

#include <pthread.h>

struct sw_lock {
    pthread_mutex_t mutex;
};

static inline void sw__lock_init(struct sw_lock *l)
{
    pthread_mutex_init(&l->mutex, NULL);
}

static inline void sw__lock_destroy(struct sw_lock *l)
{
    pthread_mutex_destroy(&l->mutex);
}

static inline void sw__lock(struct sw_lock *l)
{
    pthread_mutex_lock(&l->mutex);
}

static inline void sw__unlock(struct sw_lock *l)
{
    pthread_mutex_unlock(&l->mutex);
}

#endif
