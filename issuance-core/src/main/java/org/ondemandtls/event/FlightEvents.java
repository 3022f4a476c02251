package org.ondemandtls.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** The events of a recording; loaded only on a Java that has them. */
final class FlightEvents {

    private static final String CATEGORY = "On-Demand TLS";

    private FlightEvents() {}

    /** Whether this JVM has recorded anything yet, or does. */
    static boolean isUsed() {
        return jdk.jfr.FlightRecorder.isInitialized();
    }

    static FlightRecorder.Span order(String name, String ca, String purpose) {
        Order event = new Order();
        event.begin();
        return result -> {
            event.end();
            if (event.shouldCommit()) {
                event.serverName = name;
                event.ca = ca;
                event.purpose = purpose;
                event.result = result;
                event.commit();
            }
        };
    }

    static FlightRecorder.Span orderStep(String name, String ca, String step) {
        OrderStep event = new OrderStep();
        event.begin();
        return result -> {
            event.end();
            if (event.shouldCommit()) {
                event.serverName = name;
                event.ca = ca;
                event.step = step;
                event.result = result;
                event.commit();
            }
        };
    }

    static FlightRecorder.Span preflight(String name, String look) {
        Preflight event = new Preflight();
        event.begin();
        return result -> {
            event.end();
            if (event.shouldCommit()) {
                event.serverName = name;
                event.look = look;
                event.result = result;
                event.commit();
            }
        };
    }

    static FlightRecorder.Span permission(String name) {
        Permission event = new Permission();
        event.begin();
        return result -> {
            event.end();
            if (event.shouldCommit()) {
                event.serverName = name;
                event.answer = result;
                event.commit();
            }
        };
    }

    static FlightRecorder.Span store(String operation) {
        Store event = new Store();
        event.begin();
        return result -> {
            event.end();
            if (event.shouldCommit()) {
                event.operation = operation;
                event.result = result;
                event.commit();
            }
        };
    }

    static void refusal(String reason) {
        Refusal event = new Refusal();
        if (event.shouldCommit()) {
            event.reason = reason;
            event.commit();
        }
    }

    static void step(String kind, String name, String text) {
        Step event = new Step();
        if (event.shouldCommit()) {
            event.kind = kind;
            event.serverName = name;
            event.text = text;
            event.commit();
        }
    }

    @Name("org.ondemandtls.Order")
    @Label("Order")
    @Description("One CA's turn at one name")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class Order extends Event {
        @Label("Server name")
        String serverName = "";

        @Label("CA")
        String ca = "";

        @Label("Purpose")
        String purpose = "";

        @Label("Result")
        String result = "";
    }

    @Name("org.ondemandtls.OrderStep")
    @Label("Step of an order")
    @Description("What the CA was asked for and how long it took")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class OrderStep extends Event {
        @Label("Server name")
        String serverName = "";

        @Label("CA")
        String ca = "";

        @Label("Step")
        String step = "";

        @Label("Result")
        String result = "";
    }

    @Name("org.ondemandtls.Preflight")
    @Label("Look before an order")
    @Description("A look at a name's DNS, or for our proof at the name itself")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class Preflight extends Event {
        @Label("Server name")
        String serverName = "";

        @Label("Look")
        String look = "";

        @Label("Result")
        String result = "";
    }

    @Name("org.ondemandtls.Permission")
    @Label("Permission")
    @Description("A question to permission until its answer")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class Permission extends Event {
        @Label("Server name")
        String serverName = "";

        @Label("Answer")
        String answer = "";
    }

    @Name("org.ondemandtls.Store")
    @Label("Store")
    @Description("One operation of the store")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class Store extends Event {
        @Label("Operation")
        String operation = "";

        @Label("Result")
        String result = "";
    }

    @Name("org.ondemandtls.Refusal")
    @Label("Refused handshake")
    @Description("A handshake that was refused")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class Refusal extends Event {
        @Label("Reason")
        String reason = "";
    }

    @Name("org.ondemandtls.Step")
    @Label("Step")
    @Description("What the engine reports, logged or not")
    @Category(CATEGORY)
    @StackTrace(false)
    static final class Step extends Event {
        @Label("Kind")
        String kind = "";

        @Label("Server name")
        String serverName = "";

        @Label("Text")
        String text = "";
    }
}
