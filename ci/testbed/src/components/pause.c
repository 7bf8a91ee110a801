/* The first process of every pod: holds the pod's namespaces open and reaps what its containers leave behind. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal)
{
	(void)signal;
	_exit(0);
}

static void reap(int signal)
{
	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
}

static int handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	return sigaction(signal, &action, NULL);
}

int main(void)
{
	if (handle(SIGINT, end, 0) || handle(SIGTERM, end, 0) || handle(SIGCHLD, reap, SA_NOCLDSTOP))
		return 1;
	for (;;)
		pause();
}
