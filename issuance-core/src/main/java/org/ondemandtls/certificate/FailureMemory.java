package org.ondemandtls.certificate;

/** How a failure is remembered against its name. */
public enum FailureMemory {
    /** Not at all: it says nothing about the name, or is remembered where it comes from. */
    NONE,
    /** For some seconds, in memory: somebody did not answer, or what stands in the way is kept elsewhere. */
    BRIEF,
    /** By the schedule of refusals, which outlives the process. */
    SCHEDULE
}
