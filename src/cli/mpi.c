/* mpirun -n N midstream run: the ranks of a run speak through MPI. Built twice: with MPI (make MPI=1) and without,
 * where being started by mpirun is told. Waiting is a sleep between two looks, never a busy loop: rank 0 works beside its
 * waiting threads. MPI itself is called by one thread at a time. */
#include <stdlib.h>

#include "cli.h"

/* Ranks that a launcher has started, as Open MPI, Slurm and MPICH say; 1: none has. */
static int launched(void)
{
    static const char *const name[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" };
    size_t i;

    for (i = 0; i < sizeof name / sizeof *name; i++)
        if (getenv(name[i]))
            return atoi(getenv(name[i]));
    return getenv("PMIX_RANK") && getenv("SLURM_NTASKS") ? atoi(getenv("SLURM_NTASKS")) : 1;
}

#ifndef MID_MPI

int cli_crew_begin(const cli *c, mid_crew *crew)
{
    *crew = (mid_crew){ .size = sizeof *crew, .n_rank = 1 };
    if (launched() > 1)
        return cli_fail(c, "started as one of %d, but this midstream is built without MPI: make MPI=1 builds "
                        "build/release/mpi/midstream", launched());
    return CLI_OK;
}

void cli_crew_end(const mid_crew *crew, bool abandon)
{
    (void)crew;
    (void)abandon;
}

#else
#include <mpi.h>
#include <pthread.h>
#include <time.h>

enum { TAG = 1, PIECE_BYTES = 1 << 30 };        /* MPI counts in int */

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int piece_of(uint64_t n) { return n < PIECE_BYTES ? (int)n : PIECE_BYTES; }

static mid_status send_bytes(void *user, int rank, const void *bytes, size_t n)
{
    const char *at = bytes;
    uint64_t left = n;
    int code;

    (void)user;
    pthread_mutex_lock(&one_at_a_time);
    code = MPI_Send(&left, 1, MPI_UINT64_T, rank, TAG, MPI_COMM_WORLD);
    while (code == MPI_SUCCESS && left) {
        const int piece = piece_of(left);
        code = MPI_Send(at, piece, MPI_BYTE, rank, TAG, MPI_COMM_WORLD);
        at += piece;
        left -= (uint64_t)piece;
    }
    pthread_mutex_unlock(&one_at_a_time);
    return code == MPI_SUCCESS ? MID_OK : MID_EIO;
}

/* The length first; what follows it is on its way then. Called with the lock. */
static mid_status take(int rank, void **bytes, size_t *n)
{
    uint64_t left;
    char *at;

    if (MPI_Recv(&left, 1, MPI_UINT64_T, rank, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE) != MPI_SUCCESS)
        return MID_EIO;
    *n = (size_t)left;
    *bytes = at = malloc(*n + 1);
    if (!at)
        return MID_ENOMEM;
    while (left) {
        const int piece = piece_of(left);
        if (MPI_Recv(at, piece, MPI_BYTE, rank, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
            free(*bytes);
            return MID_EIO;
        }
        at += piece;
        left -= (uint64_t)piece;
    }
    return MID_OK;
}

static mid_status receive_bytes(void *user, int rank, void **bytes, size_t *n)
{
    static const struct timespec pause = { .tv_nsec = 2000000 };    /* little beside the seconds of a group */
    mid_status status = MID_OK;
    int here = 0;

    (void)user;
    while (status == MID_OK && !here) {
        pthread_mutex_lock(&one_at_a_time);
        if (MPI_Iprobe(rank, TAG, MPI_COMM_WORLD, &here, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            status = MID_EIO;
        else if (here)
            status = take(rank, bytes, n);
        pthread_mutex_unlock(&one_at_a_time);
        if (!here)
            nanosleep(&pause, NULL);
    }
    return status;
}

int cli_crew_begin(const cli *c, mid_crew *crew)
{
    int level = 0;

    *crew = (mid_crew){ .size = sizeof *crew, .n_rank = 1, .send = send_bytes, .receive = receive_bytes };
    if (launched() == 1)
        return CLI_OK;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS || level < MPI_THREAD_SERIALIZED)
        return cli_fail(c, "this MPI cannot be called from several threads in turn (MPI_THREAD_SERIALIZED)");
    MPI_Comm_rank(MPI_COMM_WORLD, &crew->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &crew->n_rank);
    return CLI_OK;
}

/* abandon: the others do not know that this rank is ending. */
void cli_crew_end(const mid_crew *crew, bool abandon)
{
    if (crew->n_rank > 1 && abandon)
        MPI_Abort(MPI_COMM_WORLD, CLI_FAILED);
    if (crew->n_rank > 1)
        MPI_Finalize();
}

#endif
