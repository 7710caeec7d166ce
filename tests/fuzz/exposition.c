/*
 * exposition.c: the text that lint reads.  The first byte chooses the format.
 */
#include "fuzz.h"

#include "lint/exposition_line.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_openmetrics = size > 0 && data[0] % 2 == 1;
	char *text;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	MUST(lint_exposition("fuzz", text, size - 1, is_openmetrics) >= 0);
	free(text);
	return 0;
}
