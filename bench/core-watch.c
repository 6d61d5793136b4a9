/*
 * core-watch MILLISECONDS: above everything else on its core, wakes once a millisecond, and prints `FROM TO` of the
 * monotonic clock, in milliseconds, when that took longer than told. Nothing on the core can hold it up but the kernel
 * and the machine below it: what it lost, everybody on the core has lost.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	const struct sched_param above = { .sched_priority = 50 };
	const struct timespec tick = { 0, 1000000 };
	double limit = argc > 1 ? atof(argv[1]) : 5, last, next;

	if (sched_setscheduler(0, SCHED_FIFO, &above) != 0) {
		perror("core-watch: SCHED_FIFO");
		return 1;
	}
	mlockall(MCL_CURRENT);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	for (last = now();; last = next) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
		next = now();
		/* It has slept a millisecond of its own will. */
		if (next - last > limit)
			printf("%.1f %.1f\n", last + 1, next);
	}
}
