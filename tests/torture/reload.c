/*
 * reload.c: a plugin that updates, unloaded and loaded again, while other
 * processes fight for the CPUs: the kernel must never look for a section's
 * descriptor where the plugin was.
 *
 *	reload PLUGIN TIMES
 */
#include <dlfcn.h>

#include "common.h"

int
main(int argc, char *argv[])
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	pid_t busy[8];
	struct handles h;
	struct segment s;
	struct cmxr_info info;
	struct totals t;

	if (n <= 0)
		errx(2, "usage: reload PLUGIN TIMES");
	s = make_segment(&h);
	for (int i = 0; i < 8; i++) {
		busy[i] = spawn();
		if (busy[i] == 0)
			for (;;)
				;
	}
	for (long i = 0; i < n; i++) {
		void *plugin = dlopen(argv[1], RTLD_NOW);
		void (*run)(const struct cmx_counter *, int);

		if (plugin == NULL)
			errx(1, "%s", dlerror());
		*(void **)&run = dlsym(plugin, "plugin_update");
		run(&h.whole, 1000);
		dlclose(plugin);
		/* Give the kernel its chance to look. */
		if (i % 4 == 0) {
			const struct timespec pause = { 0, 1000 };

			nanosleep(&pause, NULL);
		}
	}
	for (int i = 0; i < 8; i++) {
		kill(busy[i], SIGKILL);
		waitpid(busy[i], NULL, 0);
	}
	t = final_totals(&s, &info);
	printf("loaded and unloaded %ld times: %llu of %ld\n", n, t.whole,
	    1000 * n);
	cmx_close(h.reg);
	remove_segment(&s);
	return t.whole == (unsigned long long)(1000 * n) ? 0 : 1;
}
