/*
 * The reference job as a fused kernel: what this machine can do. README.md has the equations.
 *
 * W draws at a time go through the whole chain in arrays that stay in the first-level cache;
 * inner loops run over draws, so that the compiler makes vector instructions of them. Random numbers
 * are eight interleaved xoshiro256++ streams a thread. With PLAIN defined three functions are plain
 * loops, as one would write them first, and random numbers one stream.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum {
    INPUTS = 80, FACTORS = 2, PROJECTS = 30, USES = 10, ELEMENTS = 2, YEARS = 16,
    CELLS = (ELEMENTS + 1) * YEARS,
    REGIME = 0, MARKET = 1, DELAY = 2, PLATEAU = 32, GROWTH = 62, SUPPLY = 72, SUPPLY_GROWTH = 73,
    SUPPLY_SHARE = 74, LEVEL = 75, COLLECTION = 76, COLLECTION_END = 77, PROCESSING = 78, LOSS = 79,
    W = 32, V = 8
};

typedef double vector __attribute__((vector_size(8 * V), aligned(8)));
typedef uint64_t words __attribute__((vector_size(8 * V)));
typedef int64_t signed_words __attribute__((vector_size(8 * V)));

/* Filled in by job structure of the same order in c_kernel.py. */
typedef struct {
    const double *tables;    /* (78, nodes, 2): value and step */
    const double *ramps;     /* (class, phase, window): average share by age, see README */
    const double *start;     /* (project) [decimal year less first year] */
    const double *nameplate; /* (element, project) */
    const int64_t *klass;    /* (project) */
    const double *magnets;   /* (use) */
    const double *fraction;  /* (element, year, use) */
    const double *outflow;   /* (element, year out, year in, use) */
    const double *low;       /* (cell) */
    const double *per_width; /* (cell) */
    int64_t nodes, phases, window, years_before, bins;
    double per_z, z_max, regime_loading, market_loading, recovery;
} Job;

/* Histograms of one thread. */
typedef struct {
    int64_t *counts; /* (cell, bins + 2) */
    double *lowest, *highest;
} Found;

/* ---- random numbers ---------------------------------------------------------------------- */

typedef struct { words s[4]; } Stream;

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void seed_stream(Stream *g, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        for (int v = 0; v < V; v++) g->s[i][v] = splitmix(&seed);
}

static inline words turn(words x, int k) { return (x << k) | (x >> (64 - k)); }

#ifdef PLAIN
/* Uniform numbers in (0, 1), as the library's: k / 2^53 + 2^-54, k below 2^53; one stream. */
static void uniforms(Stream *g, double *restrict out, int64_t n) {
    uint64_t s0 = g->s[0][0], s1 = g->s[1][0], s2 = g->s[2][0], s3 = g->s[3][0];
    for (int64_t i = 0; i < n; i++) {
        uint64_t sum = s0 + s3, result = ((sum << 23) | (sum >> 41)) + s0, t = s1 << 17;
        s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3;
        s2 ^= t; s3 = (s3 << 45) | (s3 >> 19);
        out[i] = (double)(result >> 11) * 0x1p-53 + 0x1p-54;
    }
    g->s[0][0] = s0; g->s[1][0] = s1; g->s[2][0] = s2; g->s[3][0] = s3;
}
#else
/* Uniform numbers in (0, 1), as the library's: k / 2^53 + 2^-54, k below 2^53. */
static void uniforms(Stream *g, double *restrict out, int64_t n) {
    words s0 = g->s[0], s1 = g->s[1], s2 = g->s[2], s3 = g->s[3];
    for (int64_t i = 0; i < n; i += V) {
        words result = (turn(s0 + s3, 23) + s0) >> 11, t = s1 << 17;
        s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3;
        s2 ^= t; s3 = turn(s3, 45);
        *(vector *)(out + i) = __builtin_convertvector((signed_words)result, vector) * 0x1p-53
            + 0x1p-54;
    }
    g->s[0] = s0; g->s[1] = s1; g->s[2] = s2; g->s[3] = s3;
}
#endif

/* ---- normal quantile function ------------------------------------------------------------ */

/* Wichura (1988), Applied Statistics 37, algorithm AS 241, the tails. */
static double tail_quantile(double p) {
    double r = sqrt(-log(p)), x;
    if (r <= 5.0) {
        r -= 1.6;
        x = (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r
            + 2.41780725177450611770e-1) * r + 1.27045825245236838258) * r
            + 3.64784832476320460504) * r + 5.76949722146069140550) * r
            + 4.63033784615654529590) * r + 1.42343711074968357734)
          / (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r
            + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r
            + 6.89767334985100004550e-1) * r + 1.67638483018380384940) * r
            + 2.05319162663775882187) * r + 1.0);
    } else {
        r -= 5.0;
        x = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
            + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r
            + 2.96560571828504891230e-1) * r + 1.78482653991729133580) * r
            + 5.46378491116411436990) * r + 6.65790464350110377720)
          / (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r
            + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r
            + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
            + 5.99832206555887937690e-1) * r + 1.0);
    }
    return x;
}

/* Giles (2012), GPU Computing Gems 2, chapter 10: the middle of erfinv in double precision. */
static void normal_quantile(const double *restrict u, double *restrict z, int64_t n) {
    static _Thread_local double log_of[INPUTS * W];
    for (int64_t i = 0; i < n; i++) log_of[i] = log(4.0 * u[i] * (1.0 - u[i]));
    for (int64_t i = 0; i < n; i++) {
        double w = -log_of[i] - 3.125, p = -3.6444120640178196996e-21;
        p = p * w - 1.685059138182016589e-19;
        p = p * w + 1.2858480715256400167e-18;
        p = p * w + 1.115787767802518096e-17;
        p = p * w - 1.333171662854620906e-16;
        p = p * w + 2.0972767875968561637e-17;
        p = p * w + 6.6376381343583238325e-15;
        p = p * w - 4.0545662729752068639e-14;
        p = p * w - 8.1519341976054721522e-14;
        p = p * w + 2.6335093153082322977e-12;
        p = p * w - 1.2975133253453532498e-11;
        p = p * w - 5.4154120542946279317e-11;
        p = p * w + 1.051212273321532285e-09;
        p = p * w - 4.1126339803469836976e-09;
        p = p * w - 2.9070369957882005086e-08;
        p = p * w + 4.2347877827932403518e-07;
        p = p * w - 1.3654692000834678645e-06;
        p = p * w - 1.3882523362786468719e-05;
        p = p * w + 0.0001867342080340571352;
        p = p * w - 0.00074070253416626697512;
        p = p * w - 0.0060336708714301490533;
        p = p * w + 0.24015818242558961693;
        p = p * w + 1.6536545626831027356;
        z[i] = p * (2.0 * u[i] - 1.0) * 1.41421356237309504880;
    }
    /* beyond a probability of 6e-4 on each side, some three numbers in 2,560 */
    for (int64_t i = 0; i < n; i += W) {
        int far = 0;
        for (int w = 0; w < W; w++) far |= log_of[i + w] < -6.0;
        if (far)
            for (int64_t k = i; k < i + W; k++) {
                double p = u[k] < 0.5 ? u[k] : 1.0 - u[k];
                if (p < 6e-4) z[k] = u[k] < 0.5 ? -tail_quantile(p) : tail_quantile(p);
            }
    }
}

/* ---- inputs ------------------------------------------------------------------------------ */

static void mix(double (*restrict z)[W], const double *restrict factor, int n, double loading) {
    double own = sqrt(1.0 - loading * loading);
    for (int i = 0; i < n; i++)
        for (int w = 0; w < W; w++) z[i][w] = own * z[i][w] + loading * factor[w];
}

static void values(const Job *job, double (*restrict z)[W], double (*restrict x)[W]) {
    mix(z + DELAY, z[REGIME], PROJECTS, job->regime_loading);
    mix(z + GROWTH, z[MARKET], USES, job->market_loading);
    double scale = job->per_z, shift = job->z_max * scale, last = (double)(job->nodes - 1);
    for (int i = FACTORS; i < INPUTS; i++) {
        const double *table = job->tables + 2 * job->nodes * (i - FACTORS);
        for (int w = 0; w < W; w++) {
            double place = z[i][w] * scale + shift;
            place = place < 0.0 ? 0.0 : place;
            place = place > last ? last : place;
            int64_t node = (int64_t)place;
            x[i][w] = table[2 * node] + (place - (double)node) * table[2 * node + 1];
        }
    }
}

/* ---- the chain --------------------------------------------------------------------------- */

/* Where a project is in the table: its rows, what is between them, and its tonnes of each element. */
typedef struct { const double *a, *b; double part, one, two; } Place;

/* A window of YEARS ages out of the row of the phase of the year, and out of the next. */
static inline Place place_of(const Job *job, double (*restrict x)[W], int p, int w) {
    double before = (double)job->years_before;
    double first = job->start[p] + x[DELAY + p][w] + before;
    first = first < 0.0 ? 0.0 : first;
    first = first > before + YEARS ? before + YEARS : first;
    int64_t year = (int64_t)first;
    double at = (first - (double)year) * (double)(job->phases - 1);
    int64_t phase = (int64_t)at;
    const double *a = job->ramps + (job->klass[p] * job->phases + phase) * job->window
        + (2 * job->years_before + YEARS - year);
    double level = x[PLATEAU + p][w];
    return (Place){a, a + job->window, at - (double)phase,
                   level * job->nameplate[p], level * job->nameplate[PROJECTS + p]};
}

#ifdef PLAIN
static void projects(const Job *job, double (*restrict x)[W], double (*restrict cell)[YEARS][W]) {
    for (int w = 0; w < W; w++) {
        double lead[YEARS] = {0.0}, rest[YEARS] = {0.0};
        for (int p = 0; p < PROJECTS; p++) {
            Place at = place_of(job, x, p, w);
            for (int t = 0; t < YEARS; t++) {
                double share = at.a[t] + at.part * (at.b[t] - at.a[t]);
                lead[t] += at.one * share;
                rest[t] += at.two * share;
            }
        }
        for (int t = 0; t < YEARS; t++) {
            cell[0][t][w] = lead[t];
            cell[1][t][w] = rest[t];
        }
    }
}
#else
static void projects(const Job *job, double (*restrict x)[W], double (*restrict cell)[YEARS][W]) {
    for (int w = 0; w < W; w++) {
        vector lead[YEARS / V] = {{0.0}}, rest[YEARS / V] = {{0.0}};
        for (int p = 0; p < PROJECTS; p++) {
            Place at = place_of(job, x, p, w);
            for (int t = 0; t < YEARS / V; t++) {
                vector low = *(const vector *)(at.a + V * t);
                vector high = *(const vector *)(at.b + V * t);
                vector share = low + at.part * (high - low);
                lead[t] += at.one * share;
                rest[t] += at.two * share;
            }
        }
        for (int t = 0; t < YEARS; t++) {
            cell[0][t][w] = lead[t / V][t % V];
            cell[1][t][w] = rest[t / V][t % V];
        }
    }
}
#endif

#ifdef PLAIN
/* What leaves in a year, of what came in it and in the years before. */
static void recycle(const Job *job, const double (*restrict magnets)[USES][W],
                    double (*restrict retired)[YEARS][W]) {
    for (int e = 0; e < ELEMENTS; e++)
        for (int t = 0; t < YEARS; t++) {
            double *restrict left = retired[e][t];
            for (int w = 0; w < W; w++) left[w] = 0.0;
            for (int s = 0; s <= t; s++)
                for (int u = 0; u < USES; u++) {
                    double share = job->outflow[((e * YEARS + t) * YEARS + s) * USES + u];
                    for (int w = 0; w < W; w++) left[w] += share * magnets[s][u][w];
                }
        }
}
#else
/* Four years of both elements at a time: eight sums in registers. */
static void recycle(const Job *job, const double (*restrict magnets)[USES][W],
                    double (*restrict retired)[YEARS][W]) {
    enum { TILE = 4 };
    const double *m0 = job->outflow, *m1 = job->outflow + YEARS * YEARS * USES;
    for (int w = 0; w < W; w += V)
        for (int t = 0; t < YEARS; t += TILE) {
            vector sum[ELEMENTS][TILE] = {{{0.0}}};
            for (int s = 0; s < t + TILE; s++) /* nothing leaves before it came: zeros in the tile */
                for (int u = 0; u < USES; u++) {
                    vector came = *(const vector *)&magnets[s][u][w];
                    for (int k = 0; k < TILE; k++) {
                        int64_t at = ((t + k) * YEARS + s) * USES + u;
                        sum[0][k] += m0[at] * came;
                        sum[1][k] += m1[at] * came;
                    }
                }
            for (int k = 0; k < TILE; k++) {
                *(vector *)&retired[0][t + k][w] = sum[0][k];
                *(vector *)&retired[1][t + k][w] = sum[1][k];
            }
        }
}
#endif

static void balance(const Job *job, double (*restrict x)[W], double (*restrict cell)[YEARS][W]) {
    static _Thread_local double magnets[YEARS][USES][W] __attribute__((aligned(64)));
    static _Thread_local double retired[ELEMENTS][YEARS][W] __attribute__((aligned(64)));
    for (int u = 0; u < USES; u++)
        for (int w = 0; w < W; w++) magnets[0][u][w] = job->magnets[u] * x[LEVEL][w];
    for (int t = 1; t < YEARS; t++)
        for (int u = 0; u < USES; u++)
            for (int w = 0; w < W; w++) magnets[t][u][w] = magnets[t - 1][u][w] * x[GROWTH + u][w];
    recycle(job, (const double(*)[USES][W])magnets, retired);
    for (int t = 0; t < YEARS; t++) {
        double since = t / (YEARS - 1.0), demand[ELEMENTS][W] = {{0.0}};
        for (int e = 0; e < ELEMENTS; e++)
            for (int u = 0; u < USES; u++) {
                double fraction = job->fraction[(e * YEARS + t) * USES + u];
                for (int w = 0; w < W; w++) demand[e][w] += fraction * magnets[t][u][w];
            }
        for (int w = 0; w < W; w++) {
            double loss = x[LOSS][w], bought = 1.0 - loss * job->recovery;
            double back = x[COLLECTION][w] + since * (x[COLLECTION_END][w] - x[COLLECTION][w]);
            back *= x[PROCESSING][w] * (1.0 - loss);
            double old = x[SUPPLY][w], share = x[SUPPLY_SHARE][w];
            double lead = cell[0][t][w] + old * share
                + back * retired[0][t][w] - bought * demand[0][w];
            double rest = cell[1][t][w] + old * (1.0 - share)
                + back * retired[1][t][w] - bought * demand[1][w];
            cell[0][t][w] = lead;
            cell[1][t][w] = rest;
            cell[2][t][w] = lead + rest;
            x[SUPPLY][w] = old * x[SUPPLY_GROWTH][w];
        }
    }
}

static void count(const Job *job, double (*restrict cell)[W], Found *found) {
    double last = (double)(job->bins + 1);
    for (int c = 0; c < CELLS; c++) {
        double low = found->lowest[c], high = found->highest[c];
        int64_t *counts = found->counts + c * (job->bins + 2), at[W];
        for (int w = 0; w < W; w++) {
            double value = cell[c][w], place = (value - job->low[c]) * job->per_width[c] + 1.0;
            low = value < low ? value : low;
            high = value > high ? value : high;
            place = place < 0.0 ? 0.0 : place;
            at[w] = (int64_t)(place > last ? last : place);
        }
        for (int w = 0; w < W; w++) counts[at[w]]++;
        found->lowest[c] = low;
        found->highest[c] = high;
    }
}

static void chain(const Job *job, const double *u, double (*cell)[W]) {
    static _Thread_local double z[INPUTS][W] __attribute__((aligned(64)));
    static _Thread_local double x[INPUTS][W] __attribute__((aligned(64)));
    normal_quantile(u, z[0], INPUTS * W);
    values(job, z, x);
    projects(job, x, (double(*)[YEARS][W])cell);
    balance(job, x, (double(*)[YEARS][W])cell);
}

/* ---- called from Python ------------------------------------------------------------------ */

/* The cells (48, n) of given uniform numbers (80, n); n is a multiple of W. */
void cells_of(const Job *job, const double *u, double *out, int64_t n) {
    static _Thread_local double some[INPUTS][W], cell[CELLS][W] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n; i += W) {
        for (int k = 0; k < INPUTS; k++) memcpy(some[k], u + k * n + i, sizeof some[k]);
        chain(job, some[0], cell);
        for (int c = 0; c < CELLS; c++) memcpy(out + c * n + i, cell[c], sizeof cell[c]);
    }
}

typedef struct { const Job *job; Found *found; int64_t n; uint64_t seed; } Task;

static void *work(void *given) {
    static _Thread_local double u[INPUTS][W], cell[CELLS][W] __attribute__((aligned(64)));
    Task *task = given;
    Stream stream;
    seed_stream(&stream, task->seed);
    for (int64_t i = 0; i < task->n; i += W) {
        uniforms(&stream, u[0], INPUTS * W);
        chain(task->job, u[0], cell);
        count(task->job, cell, task->found);
    }
    return 0;
}

/* Run n draws on some threads, at most 64; each has its own histograms. Returns 0, or 1. */
int run(const Job *job, Found *found, int64_t n, int64_t threads, uint64_t seed) {
    pthread_t thread[64];
    Task task[64];
    for (int64_t k = 0; k < threads; k++) {
        task[k] = (Task){job, found + k, n / threads, seed + 1000003u * (uint64_t)k};
        if (k > 0 && pthread_create(thread + k, 0, work, task + k)) return 1;
    }
    work(task);
    for (int64_t k = 1; k < threads; k++) pthread_join(thread[k], 0);
    return 0;
}
