/*
 * sql.c: the operation and the table of a statement.
 */
#include "fuzz.h"

#include <codeai/metrics_db.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), buf[200];
	const char *operation = cmx_db_operation(text);

	MUST(operation != NULL && strlen(operation) > 0);
	for (size_t room = 1; room <= sizeof(buf); room += 199) {
		memset(buf, 'x', sizeof(buf));
		cmx_db_entity(text, buf, room);
		MUST(memchr(buf, '\0', room) != NULL);
		for (size_t i = room; i < sizeof(buf); i++)
			MUST(buf[i] == 'x');
	}
	free(text);
	return 0;
}
