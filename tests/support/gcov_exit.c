/*
 * gcov_exit.c: a child that ends by _exit(2) tells gcov what it ran.  The
 * linker puts it in the place of _exit (--wrap).
 */
void __gcov_dump(void);
void __real__exit(int) __attribute__((noreturn));
void __wrap__exit(int) __attribute__((noreturn));

void
__wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
