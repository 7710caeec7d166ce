/*
 * protocols.h: how processes meet in a segment, and why it is right.
 *
 * This is the one list of guarantees and the one place of every protocol.  The
 * guarantees have the same numbers and words in codeai-metrics(7); the code
 * and the tests refer to them by number.  Below them each protocol, the
 * writer's steps on the left and the reader's on the right, and after it why
 * no death, no delay and no second actor breaks it.
 *
 * TERMS
 *
 * A writer is a process that maps the segment read-write; a reader maps it
 * read-only.  A cell is the memory of one series in one stripe.  A stripe
 * holds all cells of one CPU, or of one fallback shard.  A slot is a process's
 * place for gauges.  An entry is a record of the arena.  A letter in
 * parentheses is one end of a pair of ordered accesses: (A) pairs with (B).
 * Each letter stands at one place of the code.
 *
 * GUARANTEES
 *
 * Order
 *   O1	A series is seen whole or not at all.
 *   O2	A scrape that begins after an update has returned, by whatever way that
 *	is known, contains the update.
 *   O3	A histogram's count, sum and buckets are of the same set of
 *	observations, always.
 *   O4	Totals of counters and histograms never decrease while the segment
 *	lives.
 *
 * Progress
 *   P1	Nobody waits for anybody: there is no lock in the segment, and no state
 *	that a killed process could leave behind that others would have to wait
 *	for.
 *   P2	An update of a counter of whole numbers takes a bounded number of
 *	instructions; one of a double or a histogram is tried again only where
 *	another's update succeeded.
 *   P3	A look-up examines at most 64 words of the index.
 *   P4	Every loop of a reader has a bound that it computed from its own copy
 *	of the header.
 *
 * Crash
 *   C1	A process that is killed between any two instructions of an update
 *	leaves the update done or not done.
 *   C2	A process that is killed while it inserts a series leaves the series
 *	there or not there; at worst one entry's space stays unused.
 *   C3	A process that is killed while it creates or replaces a segment leaves
 *	the old one, if there was one, or a whole new one; every total counts
 *	once.
 *   C4	A dead process's gauges are out of the next scrape, and no later
 *	instant shows them.  Nothing has to be called, and process ids play no
 *	part in it.  Of the processes that are alive at one time, as many as the
 *	schema's limits.processes have gauges; the updates of others are dropped
 *	and counted.
 *
 * Stripes
 *   S1	A stripe is updated in one way: a CPU's only inside restartable
 *	sections by the thread on that CPU, a fallback's only by locked
 *	instructions.
 *
 * Fork
 *   F1	A forked child counts on with its parent's handles; it has gauges of
 *	its own from its first look-up or write on.
 *
 * Application
 *   A1	The library never prints, exits, aborts, starts a thread, handles a
 *	signal, or changes errno, the umask or the locale; only a call that
 *	applies a schema waits for another process.
 *   A2	Updates and look-ups may be made in signal handlers.
 *   A3	A look-up that fails gives a handle of which every update does nothing.
 *
 * Limits, which are not promised
 *   L1	No instant is common to two series: an increment of A before one of B
 *	may be seen as B without A.
 *   L2	A counter wraps at 2^64; a histogram's bucket is exact up to 2^53
 *	observations on one CPU.
 *   L3	The processes of one segment trust each other: any of them can store
 *	any value, and truncate the file; they cannot break its readers.  A
 *	process that may only read the file can lock bytes of it: then new
 *	processes get no slot, which is counted, and totals of a replaced
 *	segment are carried later; no total is wrong.
 *   L4	Series are never deleted, and a segment's families never change.
 *	cmx_apply(3) gives the name to another segment.
 *   L5	A child of vfork(2) shares its parent's memory and must not update; as
 *	long as it lives so, a dead parent's gauges stay.
 *   L6	A fork(2) in one thread while another makes its process's first look-up
 *	gives the child a descriptor of the slot's beacon: should the parent
 *	then die first, its gauges stay until the child, and whatever it forks,
 *	has ended or executed a program.
 *   L7	CPU time that a process spends between the last scrape and its end is
 *	not seen, and an exporter that is started anew has not seen the dead.
 *	The sum then begins with the processes that live.
 *   L8	A process that can no longer open the file, after setuid(2) or
 *	chroot(2), holds its slot by the descriptor that it inherited.  When it
 *	closes any descriptor of the file its gauges disappear, until another
 *	process has taken the slot and it has claimed one anew; an update that
 *	is under way at that instant may set a gauge of the other process.
 *	Without a descriptor it has none.
 *   L9	A process that is checkpointed and restored loses its slot without
 *	notice, and may write gauges into that of another process; its counters
 *	and histograms stay exact.
 *
 * UPDATE A CELL (write/hot.c, codeai/private/rseq_*.h; S1, C1, O2, O3, P2)
 *
 * On a CPU stripe				On a fallback stripe
 *  1 read the CPU's number			 1 add with a locked
 *  2 begin a section, compare the number	   instruction, or compare
 *  3 compute the new value			   and exchange until it
 *  4 store it: the last instruction		   succeeds
 *
 * Preempted, moved or interrupted by a signal between 2 and 4, the thread is
 * sent to the abort label and begins again: so no other thread of this CPU can
 * store between the load and the store, and no thread of another CPU ever
 * stores here.  Killed before 4, nothing was stored; after it, everything was
 * (C1).  After RSEQ_TRIES aborts the update goes to the fallback: a debugger
 * that steps cannot hold it up (P2).  Mixing the two ways would lose updates:
 * a locked addition between another's load and plain store is overwritten;
 * that is why S1 has no exception, and why the counts in a stripe's header,
 * which no section writes, are locked.
 *
 * A histogram's cell is a pair {count, sum} of 16 bytes on 16 bytes, stored by
 * one instruction and loaded by one (cmxi_pair_load), so the two are always of
 * the same observations; a scrape sums the pairs that it loaded, once, and
 * derives count, sum and buckets from them (O3).  Where a 16-byte load is two
 * accesses, the reader takes a value that it loaded twice in a row: the store
 * is one access everywhere and the count only grows, so two equal loads cannot
 * have a store between their halves.
 *
 * An update is complete when its store is; the call returns after it.  What
 * orders the scrape after the return (a pipe, an exit that was waited for)
 * orders the scrape's loads after the store (O2).  Cells only grow, a scrape
 * adds them in one fixed order, and rounding is monotone (O4).
 *
 * INSERT A SERIES (write/series.c, index.c; O1, C2, P1, P3)
 *
 * Insert				Find, and read
 *  1 reserve the pages of an entry	 1 is there a page for this
 *    and of cells, raise the ready	   part of the index? (D)
 *    mark (I), take them		 2 load the word (B)
 *  2 fill the entry			 3 zero: it is not there
 *  3 reserve the index page, set its	 4 tag equal: compare the key
 *    bit (C)				 5 update its cells, or sum
 *  4 count inserts_begun (E)		   them
 *  5 CAS the word 0 -> entry (A)
 *  6 count inserts_done (E)
 *  7 lost: compare with the winner's
 *    key; keep entry and cells (Y)
 *    for the process's next insert (Z)
 *
 * A word goes from 0 to an entry once and never changes again, and the probe
 * sequence depends on the key only: two writers that insert one key meet in
 * one word, and the later one finds the other's entry there.  (A) and (B) make
 * whoever sees the word see the entry, its key and its pages (O1).  Killed
 * before 5, a writer leaves space that nobody names (C2); killed after 5, the
 * series is there.  Nobody waits: a lost CAS is another's success, and each
 * turn of step 5 moves on by a word, at most 64 (P3).
 *
 * Pages come before the marks and the words that name them, so no store ever
 * waits for a page, or faults where a file system is full.  An index page that
 * was never written has no memory; even a load would allocate it, so its bit
 * is tested first: no bit means that all its words are zero.
 *
 * The reader finds new series without scanning: it loads inserts_done, then
 * inserts_begun (F), then scans.  Equal counts before a scan say that nothing
 * was under way; counts that have not moved since say that nothing was
 * published since.  inserts_done only grows, and is raised after the word is
 * stored: a word that a scan missed moves it, and the next scrape scans again.
 * A writer that is killed between 4 and 6 leaves the counts unequal, and the
 * reader scans now and then for ever (P4: one scrape in 64).
 *
 * REGISTER A FAMILY (write/family_table.c; O1, C2, P1)
 *
 * As an insert, in a table instead of a hash: (G) publishes a record and its
 * overflow series, (H) finds them.  Whoever appends compares with every family
 * on its way to the first free word, so two writers with one name, or with
 * names that clash, meet in one word.  A helper keeps the entry that it found
 * for the other threads of its process (AA), (AB).
 *
 * READING THROUGH THE KERNEL (read/catalog.c; O1, P4)
 *
 * Structure is copied out by pread(2), so that a load never allocates a page
 * of a sparse file and a truncated file is an error.  Nothing promises that
 * such a copy takes an aligned word in one access.  So the copy of the index
 * and of the family table says only where something new may be; the word
 * itself is then loaded through the mapping with acquire order, (B) or (H), as
 * are the marks (J) and the insert counts (F).  What a word names is immutable
 * and was complete before the word was stored; the pread that copies it comes
 * after the acquire load in this thread, and an acquire load orders all later
 * accesses of its thread, the kernel's on its behalf among them.
 *
 * GAUGES OF A PROCESS (write/claim.c, slot.c, read/gauges.c; C4, F1, P1)
 *
 * Claim				Read
 *  1 open the file anew, map it with	 1 ask the kernel which beacons
 *    MADV_DONTFORK			   are held
 *  2 lock the claim of a free slot	 2 load the generation (N)
 *  3 reserve the stripe's pages, raise	 3 load ready (L), and the
 *    ready (K)				   cells below it
 *  4 make the generation odd (O)	 4 the generation again (P):
 *  5 wipe the cells, write who we are	   odd or another: look again,
 *  6 make it even (M)			   at most four times
 *  7 lock the slot's beacon
 *  8 name the slot to this process's
 *    threads (U), (V), their pages
 *    (W), (X), both at once (S), (T)
 *
 * A slot has two locks.  The claim keeps other claimants away from step 2 on;
 * the beacon, which readers ask for, is there from step 7 on, when the slot
 * holds nothing of its last owner.  So no reader sees a value of the dead,
 * however long a claimant is stopped between two steps, and wherever it is
 * killed: before 7 nobody looks at the slot, and the next owner makes the
 * generation odd again.
 *
 * Both locks are of one owner, and the kernel drops them at once when the last
 * mapping and descriptor of its open file description are gone: at exit,
 * SIGKILL and exec, and a child does not inherit the mapping (C4).  A process
 * that cannot open the file again, because it gave up its privileges or its
 * root directory, locks as a process, by the descriptor that it inherited: a
 * child does not inherit such locks, and they end with the process.  They also
 * end when it closes any descriptor of the file, so such an owner compares the
 * generation before each update, and claims anew where another has the slot.
 *
 * A child's own page (own_page.c) is wiped by the kernel, so it claims a slot
 * of its own (F1).  One thread of a process claims, with its signals blocked:
 * a handler that forks in the middle would leave a child that goes on with its
 * parent's claim.  The other threads of this process wait for it, at most some
 * turns; nobody else does.
 *
 * The seqlock keeps a reader that was slow from adding values of two owners:
 * it sees another generation, and looks again; one that never succeeds leaves
 * the slot out of this scrape.
 *
 * A claimant that finds every slot taken drops its updates, and asks again half
 * a second later: slots become free when their owners end.  The marks
 * slots_used and slot_hint say where to look, so that a claim beside thousands
 * of processes tries few slots; whoever is killed after raising slots_used
 * leaves a free slot below it.
 *
 * ROLE OF A PROCESS (write/slot.c, read/process_list.c)
 *
 * The same seqlock around role_version.  A reader that finds the role changing
 * at four looks, because its owner was stopped in the middle, takes the name of
 * the program for it.  Of two threads that set it at once either's text is
 * left, or a mixture; both are text, and made printable.
 *
 * EXEMPLARS (segment/exemplar.c; P1)
 *
 * Any writer stores the words of an exemplar at any time, relaxed and in any
 * order.  A check sum over all of them is one of the words: what two writers
 * mixed, or one did not end, has a wrong sum, and is not shown.  Nothing waits
 * and nothing is retried; an exemplar is an example, and the next one comes.
 *
 * CREATE AND OPEN (segment/segment_create.c, segment_open.c; C3)
 *
 * A segment is made whole in a file without a name, which linkat(2) then gives
 * it: killed before, the file is gone; after, it is whole.  linkat(2) refuses
 * a name that is taken, so of two creators one opens the other's.
 *
 * REPLACE (apply/apply.c; C3, O4)
 *
 * Apply				Open for writing	Read
 *  1 lock APPLY of the segment	 1 open the path	 1 open the path
 *    that has the name		 2 lock a byte of	 2 while it is not
 *  2 make the new one, which	   WRITERS		   carried (R): open
 *    names the old one's seed	 3 does the path	   its predecessor by
 *  3 lock its APPLY		   still name it?	   seed, and so on
 *  4 link the old one to		   no: again from 1	 3 sum them all
 *    PATH.SEED
 *  5 rename the new one to PATH
 *  6 carry what has no writers
 *
 * Killed before 5, the old segment has the name and counts; PATH.SEED is one
 * more name of it, which the next apply removes.  Killed after 5, the new one
 * has the name, and readers find the old one by its seed.  At each instant a
 * reader finds every segment that counts.  A writer that opened the old one
 * before 5 counts there, and readers add it; one that comes late sees at its
 * step 3 that the name has gone, and opens the new one.  Two who apply meet in
 * the lock, which the kernel drops with its holder.
 *
 * Two things could keep that lock from others for ever: a child that inherited
 * the descriptor of an applier that was killed, and a read lock of a process
 * that may only read the file.  So the word applier names the one who applies,
 * and the right to apply is a compare-and-swap of that word: from anything but
 * a process that is known to live for whoever has the lock, from one that is
 * known to be dead for whoever cannot have it, and from nobody at the end of
 * the wait.  Who ends drops the lock before the word.  Who waits gives up after
 * a bounded time, with an error that names the one.
 *
 * CARRY (apply/carry.c; C3, O4)
 *
 * Carry				Read
 *  1 nobody holds WRITERS of the old	 1 is it carried? (R)
 *    one, which has no name: it does	 2 yes: sum the carry stripe
 *    not change any more		   no: sum the old file too
 *  2 store (not add) its totals in the
 *    carry stripe, then their size
 *  3 carried = 1 (Q)
 *  4 unlink the old file
 *
 * Killed before 3, the totals count in the old file, and whoever comes next
 * stores the same again; killed after 3, they count in the carry stripe, and
 * only the name is left.  A reader looks once for each segment and scrape, and
 * again where the old file has just lost its name: a total is in exactly one
 * of the two places that the reader adds up (O4).
 *
 * SOURCES
 *
 * Restartable sequences: rseq(2) of librseq, kernel/rseq.c.  OFD locks:
 * fcntl_locking(2).  MADV_DONTFORK, MADV_WIPEONFORK: madvise(2).  Sequence
 * locks with fences: H. Boehm, "Can seqlocks get along with programming
 * language memory models?", MSPC 2012.  Tests: tests/README.md says which
 * program tries which guarantee.
 */
#ifndef CMXI_PROTOCOLS_H
#define CMXI_PROTOCOLS_H

#include <stdint.h>

/*
 * A probe looks at buckets of 8 words, a cache line each, and at 8 of them:
 * tests/unit/test_series.c fills an index to its limit, and none passes it.
 */
#define CMXI_BUCKET_WORDS 8
#define CMXI_BUCKETS_MAX  8
#define CMXI_PROBE_MAX    (CMXI_BUCKET_WORDS * CMXI_BUCKETS_MAX)

/*
 * Locks on bytes far behind the file's end, which the kernel drops when their
 * holder dies.  A slot has two bytes side by side, so that the kernel keeps one
 * lock for both: the write lock on the first is the claim of the slot, that on
 * the second its beacon.  Every process that can write holds the write lock on
 * a byte of its own, chosen by chance, of the range WRITERS (children inherit
 * it), or where a reader keeps that range locked, a read lock on its first
 * byte; whoever replaces the segment holds the write lock on APPLY.
 */
#define CMXI_SLOTS_OFFSET   INT64_C(0x4000000000000000)
#define CMXI_CLAIM_BYTE(n)  (CMXI_SLOTS_OFFSET + 2 * (int64_t)(n))
#define CMXI_BEACON_BYTE(n) (CMXI_CLAIM_BYTE(n) + 1)
#define CMXI_WRITERS_OFFSET INT64_C(0x5000000000000000)
#define CMXI_WRITERS_SIZE   (INT64_C(1) << 40)
#define CMXI_APPLY_OFFSET   INT64_C(0x6000000000000000)

/* Segments in a row that were replaced and still have writers. */
#define CMXI_PREDECESSORS_MAX 7

#endif
