typedef int ab_stream_empty;
