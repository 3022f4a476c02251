package org.ondemandtls.status;

/** Skeleton. */
public final class Status {}
