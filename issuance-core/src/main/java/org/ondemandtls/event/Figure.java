package org.ondemandtls.event;

import java.util.List;

/**
 * What is counted or timed, each with its name in Prometheus' spelling, its labels and what it says.
 *
 * <p>Label values are words of ours or a CA's directory URL, never a server name: the number of series is bounded.
 */
public enum Figure {
    /** How long an order took from the CA's turn to its end, by how it ended. */
    ORDER(
            "ondemandtls_order_seconds",
            true,
            "Time from a CA's turn at an order to its end, by result.",
            "ca",
            "purpose",
            "result"),
    /** How long one step of an order took, of those that were done. */
    STEP("ondemandtls_order_step_seconds", true, "Time of one step of an order that was done, by CA.", "ca", "step"),
    /** How long permission took to answer, what is remembered and listed included. */
    PERMISSION(
            "ondemandtls_permission_seconds",
            true,
            "Time from a question to permission to its answer, by answer.",
            "answer"),
    /** How long the store took. */
    STORE(
            "ondemandtls_store_seconds",
            true,
            "Time of one operation of the store, by operation and result.",
            "operation",
            "result"),
    /** Handshakes that were completed with a certificate of the engine. */
    SERVED("ondemandtls_handshakes_served_total", false, "Handshakes completed, by how the client waited.", "visit"),
    /** Handshakes that were refused. */
    REFUSED("ondemandtls_handshakes_refused_total", false, "Handshakes refused, by reason.", "reason"),
    /** Bounds that were reached. */
    OVERFLOW("ondemandtls_overflows_total", false, "How often a bound was reached, by its key.", "bound"),
    /** What the operator's page and API were asked to do. */
    COMMAND("ondemandtls_commands_total", false, "Commands given through the management contract.", "command");

    private final String spelling;
    private final boolean timed;
    private final String sentence;
    private final String labels;

    Figure(String spelling, boolean timed, String sentence, String... labels) {
        this.spelling = spelling;
        this.timed = timed;
        this.sentence = sentence;
        this.labels = String.join(",", labels);
    }

    /** Its name, for example {@code ondemandtls_order_seconds}. */
    public String spelling() {
        return spelling;
    }

    /** Whether it is a time; otherwise it is a count. */
    public boolean isTimed() {
        return timed;
    }

    /** What it says, in one sentence. */
    public String sentence() {
        return sentence;
    }

    /** The names of its labels. */
    public List<String> labels() {
        return List.of(labels.split(",", -1));
    }
}
