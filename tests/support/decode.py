"""Check expositions with the parsers of others.

	decode.py openmetrics FILE	Python's strict OpenMetrics parser
	decode.py same TEXT PROTOBUF	do both formats say the same?

The protobuf messages are read by Google's library, from a description of the
fields that is written here.
"""
import math
import sys

from prometheus_client.openmetrics.parser import \
    text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import \
    text_string_to_metric_families as parse_text

LABELS = {"double": 1, "int64": 3, "uint64": 4, "int32": 5, "string": 9,
          "message": 11, "uint32": 13, "enum": 14, "sint32": 17, "sint64": 18}

# message: field number: (name, type, repeated)
MESSAGES = {
    "LabelPair": {1: ("name", "string", 0), 2: ("value", "string", 0)},
    "Timestamp": {1: ("seconds", "int64", 0), 2: ("nanos", "int32", 0)},
    "Exemplar": {1: ("label", "LabelPair", 1), 2: ("value", "double", 0),
                 3: ("timestamp", "Timestamp", 0)},
    "Gauge": {1: ("value", "double", 0)},
    "Counter": {1: ("value", "double", 0), 2: ("exemplar", "Exemplar", 0),
                3: ("start_timestamp", "Timestamp", 0)},
    "Bucket": {1: ("cumulative_count", "uint64", 0),
               2: ("upper_bound", "double", 0),
               3: ("exemplar", "Exemplar", 0)},
    "BucketSpan": {1: ("offset", "sint32", 0), 2: ("length", "uint32", 0)},
    "Histogram": {1: ("sample_count", "uint64", 0),
                  2: ("sample_sum", "double", 0), 3: ("bucket", "Bucket", 1),
                  5: ("schema", "sint32", 0),
                  6: ("zero_threshold", "double", 0),
                  7: ("zero_count", "uint64", 0),
                  12: ("positive_span", "BucketSpan", 1),
                  13: ("positive_delta", "sint64", 1),
                  15: ("start_timestamp", "Timestamp", 0),
                  16: ("exemplars", "Exemplar", 1)},
    "Metric": {1: ("label", "LabelPair", 1), 2: ("gauge", "Gauge", 0),
               3: ("counter", "Counter", 0), 7: ("histogram", "Histogram", 0)},
    "MetricFamily": {1: ("name", "string", 0), 2: ("help", "string", 0),
                     3: ("type", "int32", 0), 4: ("metric", "Metric", 1),
                     5: ("unit", "string", 0)},
}


def make_class():
    from google.protobuf import descriptor_pb2, descriptor_pool
    from google.protobuf.message_factory import MessageFactory
    file = descriptor_pb2.FileDescriptorProto(name="m.proto", package="m",
                                              syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, repeated) in fields.items():
            f = message.field.add(name=field, number=number,
                                  label=3 if repeated else 1,
                                  type=LABELS.get(kind, 11))
            if kind not in LABELS:
                f.type_name = ".m." + kind
            elif repeated:
                f.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName("m.MetricFamily"))


def families(data):
    cls, at = make_class(), 0
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        yield cls.FromString(data[at:at + size])
        at += size
    if at != len(data):
        sys.exit("the last message is cut off")


def check_native(name, h):
    """Spans and deltas must agree with the count, to the last one."""
    n = sum(s.length for s in h.positive_span)
    if n != len(h.positive_delta):
        sys.exit("%s: %d in spans, %d deltas" % (name, n,
                                                 len(h.positive_delta)))
    total, count = h.zero_count, 0
    for delta in h.positive_delta:
        count += delta
        if count < 0:
            sys.exit(name + ": a bucket below 0")
        total += count
    if total != h.sample_count:
        sys.exit("%s: %d in buckets, %d counted" % (name, total,
                                                    h.sample_count))
    if h.zero_threshold <= 0:
        sys.exit(name + ": zero_threshold")
    if n > 160 + 2 * len(h.positive_span) * 80:
        sys.exit("%s: %d buckets" % (name, n))


def key(name, labels):
    return name, tuple(sorted(labels.items()))


def number(v):
    return "NaN" if math.isnan(v) else v


def samples_of_protobuf(data):
    samples = {}
    for family in families(data):
        for metric in family.metric:
            labels = {p.name: p.value for p in metric.label}
            if metric.HasField("gauge"):
                samples[key(family.name, labels)] = number(metric.gauge.value)
            elif metric.HasField("counter"):
                samples[key(family.name, labels)] = metric.counter.value
                if not metric.counter.start_timestamp.seconds:
                    sys.exit(family.name + ": no start_timestamp")
            else:
                h = metric.histogram
                for b in h.bucket:
                    le = dict(labels, le=b.upper_bound)
                    samples[key(family.name + "_bucket", le)] = \
                        b.cumulative_count
                samples[key(family.name + "_count", labels)] = h.sample_count
                samples[key(family.name + "_sum", labels)] = h.sample_sum
                if h.positive_span:
                    check_native(family.name, h)
    return samples


def samples_of_text(text):
    samples = {}
    for family in parse_text(text):
        for s in family.samples:
            labels = dict(s.labels)
            if "le" in labels:
                labels["le"] = float(labels["le"])
            k = key(s.name, labels)
            if k in samples:
                sys.exit("twice: %s" % (k,))
            samples[k] = number(s.value)
    return samples


def same(text_file, protobuf_file):
    text = samples_of_text(open(text_file, encoding="utf-8",
                                newline="\n").read())
    protobuf = samples_of_protobuf(open(protobuf_file, "rb").read())
    # A native histogram without classic buckets has them in text alone.
    native = {k for k in text if k not in protobuf and
              k[0] == "r_native_seconds_bucket"}
    for k in sorted(set(text) ^ set(protobuf) - native, key=str):
        if k not in native:
            sys.exit("in one only: %s" % (k,))
    for k in protobuf:
        if text[k] != protobuf[k]:
            sys.exit("%s: %r in text, %r in protobuf" %
                     (k, text[k], protobuf[k]))
    print("%d samples" % len(protobuf))


def main():
    if sys.argv[1] == "openmetrics":
        data = open(sys.argv[2], encoding="utf-8", newline="\n").read()
        print("%d families" % len(list(parse_openmetrics(data))))
    else:
        same(sys.argv[2], sys.argv[3])


main()
