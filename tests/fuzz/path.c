/*
 * path.c: a request's path becomes a label value of bounded size.
 */
#include "fuzz.h"

#include <codeai/metrics_http.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), buf[CMX_HTTP_PATH_MAX];

	/* Any size of the buffer, the first byte says which. */
	for (size_t room = size > 0 ? data[0] : 0; room <= sizeof(buf);
	     room = room < sizeof(buf) ? sizeof(buf) : room + 1) {
		memset(buf, 'x', sizeof(buf));
		cmx_http_normalize_path(text, buf, room);
		MUST(room == 0 || memchr(buf, '\0', room) != NULL);
		for (size_t i = room; i < sizeof(buf); i++)
			MUST(buf[i] == 'x');
	}
	MUST(strlen(cmx_http_method(text)) > 0);
	free(text);
	return 0;
}
