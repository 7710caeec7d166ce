/*
 * Accept headers as they are really sent, and odd ones: each is answered.
 */
#include "test.h"

#include "codeai/metrics_reader.h"

#define OM "application/openmetrics-text;version="
#define PROTO                                                         \
	"application/vnd.google.protobuf;proto=io.prometheus.client." \
	"MetricFamily;encoding=delimited"
#define UTF8 ";escaping=allow-utf-8"

TEST(every_accept_header_gets_a_format_that_its_sender_reads)
{
	static const struct {
		const char *accept;
		enum cmxr_format format;
	} rows[] = {
		/* Prometheus 2.42 to 2.48 */
		{ OM "1.0.0," OM "0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
		     "*/*;q=0.1",
		    CMXR_OPENMETRICS },
		/* the same with native histograms */
		{ PROTO "," OM "1.0.0;q=0.8," OM
			"0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		    CMXR_PROTOBUF },
		/* 2.49.1 to 2.54, and 2.49.0 with its weight of 2 */
		{ OM "1.0.0;q=0.5," OM
		     "0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		    CMXR_OPENMETRICS },
		{ OM "1.0.0;q=0.5," OM
		     "0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=2",
		    CMXR_TEXT },
		/* 3.0 to 3.2: parameters everywhere, and twice */
		{ OM "1.0.0" UTF8 ";q=0.6," OM "0.0.1" UTF8
		     ";q=0.5,text/plain;version=1.0.0" UTF8 UTF8
		     ";q=0.4,text/plain;version=0.0.4" UTF8 ";q=0.3,*/*" UTF8
		     ";q=0.2",
		    CMXR_OPENMETRICS },
		/* 3.4 and later */
		{ OM "1.0.0" UTF8 ";q=0.6," OM
		     "0.0.1;q=0.5,text/plain;version=1.0.0" UTF8
		     ";q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		    CMXR_OPENMETRICS },
		{ PROTO ";q=0.6," OM "1.0.0" UTF8 ";q=0.5," OM
			"0.0.1;q=0.4,text/plain;version=1.0.0" UTF8
			";q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		    CMXR_PROTOBUF },
		/* others that are seen */
		{ "text/plain;version=0.0.4;q=1,*/*;q=0.1", CMXR_TEXT },
		{ PROTO ";q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
		    CMXR_PROTOBUF },
		{ "*/*", CMXR_TEXT },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,"
		  "image/avif,*/*;q=0.8",
		    CMXR_TEXT },
		{ NULL, CMXR_TEXT },
		{ "", CMXR_TEXT },
		/* versions */
		{ "application/openmetrics-text", CMXR_OPENMETRICS },
		{ OM "0.0.1", CMXR_OPENMETRICS },
		{ OM "2.0.0", CMXR_TEXT },
		{ OM "2.0.0," OM "1.0.0;q=0.5", CMXR_OPENMETRICS },
		{ "text/plain;version=1.0.0" UTF8, CMXR_TEXT },
		{ "text/plain", CMXR_TEXT },
		{ "text/*", CMXR_TEXT },
		/* protobuf of another kind is not ours */
		{ "application/vnd.google.protobuf", CMXR_TEXT },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client."
		  "MetricFamily;encoding=text",
		    CMXR_TEXT },
		{ "application/vnd.google.protobuf;encoding=delimited",
		    CMXR_TEXT },
		/* blanks, quotes, letters of any case, order */
		{ " APPLICATION/openmetrics-text ; Version=\"1.0.0\" , "
		  "text/plain;q=0.9",
		    CMXR_OPENMETRICS },
		{ "text/plain;q=0.1," OM "1.0.0", CMXR_OPENMETRICS },
		{ OM "1.0.0;q=0,text/plain;q=0.1", CMXR_TEXT },
		{ OM "1.0.0;q=0.000", CMXR_TEXT },
		/* nothing that we have, or no header at all: text, and 200 */
		{ "application/json", CMXR_TEXT },
		{ ",,;;==,;q=", CMXR_TEXT },
		{ "q=1", CMXR_TEXT },
		{ "application/openmetrics-text;q=nan", CMXR_OPENMETRICS },
		{ "application/openmetrics-text;q=1e9", CMXR_OPENMETRICS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cmxr_negotiate(rows[i].accept) != rows[i].format)
			fail_msg("Accept: %s: format %d, wanted %d",
			    rows[i].accept, (int)cmxr_negotiate(rows[i].accept),
			    (int)rows[i].format);
}

TEST(gzip_is_for_those_who_ask)
{
	static const struct {
		const char *accept;
		bool gzip;
	} rows[] = {
		{ NULL, false },
		{ "", false },
		{ "gzip", true },
		{ "identity", false },
		{ "gzip;q=0", false },
		{ "gzip;q=0.0, *", false },
		{ "deflate, br", false },
		{ "deflate, gzip;q=0.5, br", true },
		{ "*", true },
		{ "*;q=0", false },
		{ "GZIP", true },
		{ "x-gzip", true },
		{ "gzipx", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cmxr_accepts_gzip(rows[i].accept) != rows[i].gzip)
			fail_msg("Accept-Encoding: %s", rows[i].accept);
}
