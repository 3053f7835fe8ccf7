package sqlscan

/*
#include <pthread.h>
#include <sys/resource.h>

// thread_stack is the least stack of a thread that calls C: the Go runtime makes its threads with what
// pthread_attr_init gives, and the first thread has what the limit of the process says.
static size_t thread_stack(void) {
	pthread_attr_t attr;
	struct rlimit limit;
	size_t size = 0;
	if (pthread_attr_init(&attr) == 0) {
		pthread_attr_getstacksize(&attr, &size);
		pthread_attr_destroy(&attr);
	}
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < size)
		size = limit.rlim_cur;
	return size;
}
*/
import "C"

import "sync"

// Stack that the parser takes for each nested token, twice and a half of the most that was measured, and for all else.
const (
	stackPerToken = 512
	stackBase     = 64 << 10
)

// FullNesting is MaxNesting where the stack is large enough. It bounds the time the parser takes, too.
const FullNesting = 10_000

// MaxNesting is how many tokens of a statement may nest: fewer than FullNesting where the threads of the process have
// less than 5 MiB of stack, as with ulimit -s 1024, with ulimit -s unlimited, for which glibc takes 2 MiB, or with
// musl.
func MaxNesting() int { return maxNesting() }

var maxNesting = sync.OnceValue(func() int { return nestingFor(uint64(C.thread_stack())) })

func nestingFor(stack uint64) int {
	if stack < stackBase {
		return 0
	}
	return int(min((stack-stackBase)/stackPerToken, FullNesting))
}
