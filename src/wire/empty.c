typedef int ab_wire_empty;
