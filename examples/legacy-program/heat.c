/*
 * HEAT: the temperature of a rod whose ends are held at fixed temperatures.
 *
 * It stands for the programs that everybody has: it reads INPUT.DAT and writes
 * OUTPUT.DAT in the folder that it is started in, goes on from RESTART.DAT if
 * there is one, prints what it is doing, and says by its exit status what was
 * wrong. It knows nothing of queues.
 *
 *   INPUT.DAT    nodes steps alpha left right
 *   OUTPUT.DAT   a line for each node: its number and temperature
 *   exit status  0 done, 2 INPUT.DAT cannot be used, 3 alpha makes it unstable
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 512

static double now[MAX_NODES], next[MAX_NODES];

static void save(int nodes, long step)
{
    FILE *file = fopen("RESTART.NEW", "w");
    int i;

    if (file == NULL)
        return;
    fprintf(file, "%ld\n", step);
    for (i = 0; i < nodes; i++)
        fprintf(file, "%.9g\n", now[i]);
    if (fclose(file) == 0)
        rename("RESTART.NEW", "RESTART.DAT");
}

static long restart(int nodes)
{
    FILE *file = fopen("RESTART.DAT", "r");
    long step = 0;
    int i;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld", &step) == 1)
        printf("RESTART AT %ld\n", step);
    for (i = 0; i < nodes; i++)
        if (fscanf(file, "%lf", &now[i]) != 1)
            step = 0;
    fclose(file);
    return step;
}

int main(void)
{
    FILE *file = fopen("INPUT.DAT", "r");
    int nodes, i;
    long steps, step;
    double alpha, left, right;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (file == NULL || fscanf(file, "%d %ld %lf %lf %lf", &nodes, &steps, &alpha, &left, &right) != 5
        || nodes < 3 || nodes > MAX_NODES || steps < 1) {
        fprintf(stderr, "HEAT: INPUT.DAT: NODES STEPS ALPHA LEFT RIGHT EXPECTED, 3 TO %d NODES\n", MAX_NODES);
        return 2;
    }
    fclose(file);
    if (alpha <= 0.0 || alpha > 0.5) {
        fprintf(stderr, "HEAT: UNSTABLE: ALPHA IS %g, AND MAY BE 0.5\n", alpha);
        return 3;
    }
    step = restart(nodes);
    now[0] = left;
    now[nodes - 1] = right;
    while (step < steps) {
        for (i = 1; i < nodes - 1; i++)
            next[i] = now[i] + alpha * (now[i - 1] - 2.0 * now[i] + now[i + 1]);
        memcpy(now + 1, next + 1, (size_t)(nodes - 2) * sizeof now[0]);
        step++;
        if (steps < 10 || step % (steps / 10) == 0) {
            save(nodes, step);
            printf("STEP %ld OF %ld\n", step, steps);
        }
    }
    file = fopen("OUTPUT.DAT", "w");
    if (file == NULL)
        return 1;
    for (i = 0; i < nodes; i++)
        fprintf(file, "%d %.6f\n", i + 1, now[i]);
    return fclose(file) == 0 ? 0 : 1;
}
