"""What the server reads: claims as NATS JWT v2, canonical JSON, signing, decoding and the text of creds."""
