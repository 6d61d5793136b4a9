/* fcgi-app: an application of libfcgi in WORKERS processes, each with one request at a time; `hello` for whatever is asked.
 * /down?N answers N bytes, /up reads the request body and answers how long it was.
 * usage: fcgi-app SOCKET [WORKERS]
 * Prints the socket when it listens; the workers end with the first process. */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char piece[65536];

static void down(FCGX_Request *r, long left) {
	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\nContent-Length: %ld\r\n\r\n", left);
	for (int size; left > 0; left -= size) {
		size = left < (long)sizeof piece ? (int)left : (int)sizeof piece;
		if (FCGX_PutStr(piece, size, r->out) < 0) return;
	}
}
static void up(FCGX_Request *r) {
	long sum = 0;
	for (int size; (size = FCGX_GetStr(piece, sizeof piece, r->in)) > 0;) sum += size;
	char text[32];
	int length = snprintf(text, sizeof text, "%ld", sum);
	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", length, text);
}
static void work(int listener) {
	FCGX_Request r;
	FCGX_InitRequest(&r, listener, 0);
	while (FCGX_Accept_r(&r) == 0) {
		const char *target = FCGX_GetParam("REQUEST_URI", r.envp);
		if (target && !strncmp(target, "/down?", 6)) down(&r, atol(target + 6));
		else if (target && !strcmp(target, "/up")) up(&r);
		else FCGX_PutS("Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", r.out);
		FCGX_Finish_r(&r);
	}
}
int main(int argc, char **argv) {
	if (argc < 2) { fprintf(stderr, "usage: %s SOCKET [WORKERS]\n", argv[0]); return 2; }
	FCGX_Init();
	int listener = FCGX_OpenSocket(argv[1], 1024);
	if (listener < 0) { perror("listen"); return 2; }
	for (int count = argc > 2 ? atoi(argv[2]) : 1; count > 0; count--) {
		if (fork() != 0) continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(listener);
		_exit(0);
	}
	printf("%s\n", argv[1]);
	fflush(stdout);
	for (;;) pause();
}
