typedef int ab_net_empty;
