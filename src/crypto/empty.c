typedef int ab_crypto_empty;
